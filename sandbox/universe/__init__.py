"""The made-up world behind the sandbox: companies, their contracts, their use of the product."""
