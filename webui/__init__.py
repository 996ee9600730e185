"""The pages of the studio. ``tabs.build(studio)`` is one language of them, ``server`` serves all on this machine.

Handlers call only the studio. Every sentence comes from ``i18n``; every expected failure becomes one sentence next to
what caused it. Gradio takes seconds to import: only ``tabs`` and what it is made of do, and ``opening`` stands in until
they are there.
"""
