"""Who answers: specialists, referrals, opinions, quality checks."""
