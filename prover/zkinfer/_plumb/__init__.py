"""The backend on zkinfer's own proof system, Plumb."""
