"""What is asked: opinion requests, questions, messages, delivery and follow-up."""
