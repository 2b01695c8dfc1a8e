"""Here models enter MLflow's registry and are found there again; the only room that talks to it."""
