"""How far an answer can be trusted: is this a chest film, is the mask good, is the class sure."""
