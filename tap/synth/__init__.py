"""What makes a synth quick, and nothing of the stack: `TAP_EAGER_BINDINGS=1` switches all of it off.

`bindings` loads only the provider's classes that are used, `jsii_process` starts Node early, and `prime` fills jsii's
cache.
"""
