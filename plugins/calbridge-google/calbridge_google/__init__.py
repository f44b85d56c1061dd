"""Google Calendar as a linked calendar of calbridge."""
