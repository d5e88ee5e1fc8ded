"""What papers concluded, as inequalities between measurements; and what the measurements here say of them."""
