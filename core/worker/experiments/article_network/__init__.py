"""The article's network as it is printed: does it take a batch of MNIST, and how many parameters has it?"""
