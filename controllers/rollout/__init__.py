"""Drive rollouts: look, let `gitops.rollout` decide, record, act. Decides nothing itself."""
