"""What travels: messages as frozen values, the codecs of Seldon and of Open Inference v2, and what can be wrong."""
