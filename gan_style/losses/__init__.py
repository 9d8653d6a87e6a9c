"""What training minimizes: plain functions and networks in, single numbers out."""
