"""How good paintings are: metrics, what they are compared with, tables and sheets."""
