"""The use cases, one a module. Each owns its unit of work; doors call them and nothing below."""
