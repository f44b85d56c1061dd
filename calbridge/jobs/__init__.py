"""Jobs: queues in Redis, workers that carry them out, the scheduler that finds what is due (DESIGN: Jobs).

Redis carries work and decides nothing. What is due stands in the database, so a lost queue costs seconds: the
scheduler's sweep finds it again.
"""
