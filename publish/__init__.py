"""What passed the audit, copied to where BI tools, the page and exports read it."""
