"""A calendar service that exists only in the storage of an account: for PSA developers, with faults on request.

``document`` what the service stores; ``keeping`` how it is changed by many at once; ``events`` single events;
``listing`` full listings and deltas; ``writing`` what calbridge writes; ``controls`` what a person does there, and what
goes wrong; ``connector`` the contract over all of it.
"""
