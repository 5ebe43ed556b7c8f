"""ComfyUI's editor as pure values: a saved graph is opened, and the open canvas is sent.

What the editor sends depends on more than the file: opening a graph builds every node from its
class's definition, assigns the saved values, closes gaps, lets primitives and reroutes act on
their neighbours. So the same is done here, in the same order:

    saved graph -> opening -> canvas -> settling -> sending -> prompt

Imitated: ComfyUI frontend 1.35.9, from `loadGraphData` to `graphToPrompt`.
"""
