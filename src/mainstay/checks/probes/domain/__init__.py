"""When a domain's registration ends: asked by RDAP, and by whois where that does not tell."""
