"""Whether the weights that come with the package are as they were shipped."""

from gan_style.diagnosis.finding import Finding
from gan_style.shipped import SHIPPED, named_styles


def check_weights() -> list[Finding]:
    """Compare the files with their checksums."""
    from gan_style.errors import ModelError
    from gan_style.shipped import check_sums

    try:
        check_sums(SHIPPED)
    except (ModelError, OSError) as error:
        return [Finding("shipped", False, f"damaged, in {SHIPPED}", str(error), broken=True)]
    return [Finding("shipped", True, f"whole, with {len(named_styles())} named styles")]
