"""A web service that measures coronae with lab 9's product: `labkit serve corona`.

The one door through which other programs use what a lab leaves. It reads the product alone, plain
arrays, and knows neither the labs nor the grader.
"""
