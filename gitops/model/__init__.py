"""What people write, as strict values. Reading files into these is `gitops.model.catalog`'s job."""
