"""For authors of connectors: conformance kit, memory connector, fixtures. No production code imports it."""
