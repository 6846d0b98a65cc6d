"""The SigMF package, which only those need who read or write recordings."""

TAG = "calibeam:tag"


def sigmf_package():
    """The module sigmf. Raises ImportError that says how to install it."""
    try:
        import sigmf
    except ImportError:
        raise ImportError("SigMF recordings need the package sigmf: pip install 'calibeam[sigmf]'") from None
    return sigmf
