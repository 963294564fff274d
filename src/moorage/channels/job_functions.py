"""Which function each job of channels runs."""

from moorage.channels.authorizations import Authorizations
from moorage.channels.comparing import Comparing
from moorage.channels.health.doctor import Doctor
from moorage.channels.health.visits import Visits
from moorage.channels.jobs import (
    COMPARE_ACCOUNTS,
    COMPARE_MENU,
    COMPARE_MENUS,
    EXAMINE_CHANNEL,
    EXAMINE_DUE,
    REFRESH_ACCOUNT,
    SETTLE_AUTHORIZATION,
)
from moorage.channels.menus.live import LiveMenus
from moorage.channels.menus.publishing import Menus
from moorage.connectors.registry import Connectors
from moorage.infra.database import Database
from moorage.infra.jobs import JobFunctions
from moorage.infra.secrets import SecretBox


def channel_jobs(
    *, database: Database, box: SecretBox, connectors: Connectors, authorizations: Authorizations
) -> JobFunctions:
    """Return which function each job of channels runs."""
    accounts = authorizations.accounts
    comparing = Comparing(database=database, box=box, connectors=connectors, accounts=accounts)
    menus = LiveMenus(Menus(database=database, box=box, connectors=connectors))
    visits = Visits(Doctor(database=database, box=box, connectors=connectors))
    return {
        SETTLE_AUTHORIZATION: authorizations.settle_pushed,
        REFRESH_ACCOUNT: accounts.refresh_by_job,
        COMPARE_ACCOUNTS: comparing.compare_all,
        EXAMINE_DUE: visits.examine_due,
        EXAMINE_CHANNEL: visits.examine_by_job,
        COMPARE_MENUS: menus.compare_all,
        COMPARE_MENU: menus.compare_by_job,
    }
