"""Values of the calendar: what events, times and series mean. No I/O, no framework."""
