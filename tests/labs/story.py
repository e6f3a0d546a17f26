"""Functions that a lab defines in its story, without running the lab."""

from labkit import lab_source


def functions(slug, names):
    """Source of the functions of these names, as the lab has them.

    Parameters
    ----------
    slug : str
    names : set of str

    Returns
    -------
    str
    """
    return lab_source.definitions(slug, names)
