"""Who may speak to this ComfyUI: the password, other sites' pages, and who can reach its port."""
