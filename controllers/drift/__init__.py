"""Watch what was applied, and put back what others change: look, let `gitops.drift` judge, act, tell."""
