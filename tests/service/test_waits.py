"""Who waits for whom, and when that would be for himself."""

from remotesvc.service.activation import Activation
from remotesvc.service.waits import those_who_wait_for
from tests.service.stations import make_call


def test_chain_ends_where_somebody_called_and_does_not_wait() -> None:
    first, second, third = make_call(), make_call(), make_call()
    second.caller, third.caller = first, second
    assert list(those_who_wait_for(third)) == [third]
    second.waits = 1
    assert list(those_who_wait_for(third)) == [third, second]
    first.waits = 2
    assert list(those_who_wait_for(third)) == [third, second, first]


def test_constructor_is_one_of_the_chain() -> None:
    activation = Activation("app.Logs")
    call = make_call()
    call.caller = activation
    activation.waits = 1

    assert list(those_who_wait_for(call)) == [call, activation]
    assert activation.name == "the constructor of Logs"
