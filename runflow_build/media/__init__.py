"""Files of pictures, audio and video <-> arrays: shared by the embedded engine and the node pack.

Nothing here knows nodes or prompts. Pictures are float32 arrays [batch, height, width, channel] of
0..1, masks [batch, height, width] with 1 = transparent, audio is [batch, channel, sample].
"""
