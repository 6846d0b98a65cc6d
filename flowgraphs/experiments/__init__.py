"""Points, clusters, figures, reports."""
