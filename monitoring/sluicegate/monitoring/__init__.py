"""What is seen and what follows from it: is it well, is the new one worse, has the world moved?"""
