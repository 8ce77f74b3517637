"""What works on this machine: tools, hosts, links."""
