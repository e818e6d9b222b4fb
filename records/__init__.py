"""What is known: patients, case files, documents, and who has been let in to read them."""
