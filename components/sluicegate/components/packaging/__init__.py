"""Here a trained model becomes a bundle, which is never changed again, and the bundle is proven as a server would."""
