"""The one web server: typed routes, problems, authentication, OpenAPI; nothing domain-specific."""
