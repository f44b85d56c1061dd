"""The command line: a door to the use cases. It reads words, calls one use case and shows what came back."""
