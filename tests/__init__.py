"""All tests: unit/ mirrors the package, integration/ and e2e/ use real servers and processes, docs/ the manual."""
