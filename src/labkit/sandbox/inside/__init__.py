"""What a sandbox sees of the grader: the wire's format and the program that runs inside."""
