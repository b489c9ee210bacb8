"""What answers, and what judges an answer, outside the model: registered, built-in and compiled handlers behind one port."""
