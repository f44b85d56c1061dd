"""CalDAV servers and iCloud as linked calendars. See the README of this distribution."""
