"""The distributed engine: workers that carry out what the database says is due (DESIGN 6).

Redis carries jobs and remembers nothing that matters: what is due stands in the database, and the scheduler's sweep
finds what a lost job would have done.

``queues``       which queues there are, and how they look in Redis
``connections``  connections to Redis: quick ones for requests, patient ones for workers
``admission``    who may wait in a queue: one job an integration, tenants in turn, a short backlog
``dispatcher``   tells the workers after a commit
``tasks``        what a job may do: ids in, one call to a use case
``child``        one worker process
``worker``       the parent of worker processes
``scheduler``    the loop of duties; any number may run
``duties``       what the scheduler does, and how often
``budgets``      how many requests a mailbox or a project may send
``watching``     what waits in Redis, for the status
"""
