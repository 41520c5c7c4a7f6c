"""The first stage: inputs, native or simulated, become stores."""
