"""One module per AWS service; nothing outside this package touches an AWS client."""
