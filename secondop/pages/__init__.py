"""Public pages, error pages, health checks and what every page shows. No models."""
