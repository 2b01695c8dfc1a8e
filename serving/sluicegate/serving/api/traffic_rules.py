"""Rules about predictors beside each other: their number, their names, their shares, their shadows."""

from collections.abc import Iterator

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeploymentSpec


def traffic_errors(spec: SeldonDeploymentSpec) -> Iterator[FieldError]:
    """What is wrong with the predictors as a set; paths start at ``spec.predictors``."""
    if not spec.predictors:
        yield FieldError(path="spec.predictors", found="none", expected="at least one predictor")
        return
    yield from _duplicates(spec.predictors)
    yield from _shadows(spec.predictors)
    yield from _negatives(spec.predictors)
    yield from _sums(spec.predictors)


def _duplicates(predictors: tuple[PredictorSpec, ...]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for index, predictor in enumerate(predictors):
        if predictor.name in seen:
            path = f"spec.predictors[{index}].name"
            yield FieldError(path=path, found=repr(predictor.name), expected="a name that no other predictor has")
        seen.add(predictor.name)


def _shadows(predictors: tuple[PredictorSpec, ...]) -> Iterator[FieldError]:
    shadows = [index for index, predictor in enumerate(predictors) if predictor.shadow]
    if shadows and len(predictors) == 1:
        yield FieldError(
            path="spec.predictors[0].shadow", found="true", expected="a predictor beside it whose requests it copies"
        )
    if len(shadows) > 1:
        yield FieldError(path="spec.predictors", found=f"{len(shadows)} shadows", expected="at most one shadow")
    for index in shadows:
        share = predictors[index].traffic
        if not 0 <= share <= 100:
            path = f"spec.predictors[{index}].traffic"
            yield FieldError(path=path, found=str(share), expected="0 to 100 percent of the requests to copy")


def _negatives(predictors: tuple[PredictorSpec, ...]) -> Iterator[FieldError]:
    for index, predictor in enumerate(predictors):
        if predictor.traffic < 0 and not predictor.shadow:
            path = f"spec.predictors[{index}].traffic"
            yield FieldError(path=path, found=str(predictor.traffic), expected="0 to 100 percent")


def _sums(predictors: tuple[PredictorSpec, ...]) -> Iterator[FieldError]:
    serving = [predictor.traffic for predictor in predictors if not predictor.shadow]
    total = sum(serving)
    if len(serving) > 1 and total != 100:
        expected = "traffic that sums to 100 over the predictors that are no shadows"
        yield FieldError(path="spec.predictors", found=f"a sum of {total}", expected=expected)
    if len(predictors) == 1 and serving and 0 < total < 100:
        expected = "100 for the only predictor, or nothing"
        yield FieldError(path="spec.predictors[0].traffic", found=str(total), expected=expected)
