"""How other systems ask the directory: Python (waiting and asyncio), shell, Java, C#."""
