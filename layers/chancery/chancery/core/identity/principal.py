"""The caller: its role, its tenants, and the scope of what it may read and write."""

from collections.abc import Iterable
from typing import NamedTuple

from chancery.core.errors import FieldError, Forbidden, NoSuchTenant, ValidationFailed
from chancery.core.identity.roles import Role

PLATFORM = "null"  # in a parameter or header, which has no null


class TenantScope(NamedTuple):
    """The tenants a request works on: one (`tenant_id`, None being the platform's own records), or all of them."""

    tenant_id: str | None
    every_tenant: bool = False
    crossing: bool = False

    @property
    def filter(self) -> dict[str, str | None]:
        """The MongoDB filter that limits a query to the scope."""
        return {} if self.every_tenant else {"tenantId": self.tenant_id}


class Principal(NamedTuple):
    """A caller as its token describes it; `requested_tenant` is the `X-Tenant-Id` header."""

    subject: str
    role: Role
    tenants: tuple[str, ...] = ()
    name: str | None = None
    requested_tenant: str | None = None

    @property
    def crosses_tenants(self) -> bool:
        return self.role is Role.SUPER_ADMIN

    @property
    def home_tenant(self) -> str | None:
        """The tenant this request acts in unless a parameter names another."""
        return self.requested_tenant or (self.tenants[0] if self.tenants else None)

    def require(self, roles: Iterable[Role]) -> None:
        """Raises Forbidden unless the role is one of `roles`."""
        if self.role not in roles:
            allowed = ", ".join(sorted(roles))
            raise Forbidden(f"The role {self.role} may not do this; it needs one of: {allowed}.")

    def read_scope(self, tenant: str | None = None) -> TenantScope:
        """The scope of a read that asks for `tenant` ("null": the platform's records; None: the caller's default).

        A super_admin who names no tenant reads all. Another tenant's data is NotFound, as if it did not exist.
        """
        if self.crosses_tenants:
            wanted = tenant or self.requested_tenant
            if wanted is None:
                return TenantScope(None, every_tenant=True, crossing=True)
            return self._scope(wanted)
        wanted = tenant or self.home_tenant
        if wanted is None or wanted not in self.tenants:
            raise NoSuchTenant("There is no such tenant for this token.")
        return TenantScope(wanted)

    def write_scope(self, tenant: str | None = None) -> TenantScope:
        """The scope of a write whose body names `tenant`; only roles that cross tenants may name a foreign one.

        A super_admin who names no tenant, or "null", writes the platform's own records. Raises Forbidden.
        """
        if self.crosses_tenants:
            return self._scope(tenant or self.requested_tenant)
        home = self.home_tenant
        if home is None or home not in self.tenants or tenant not in (None, home):
            raise Forbidden(
                "This token does not write for that tenant.",
                errors=[FieldError("/tenantId", "leave it out, or send X-Tenant-Id for another tenant of the token")],
            )
        return TenantScope(home)

    def tenant_scope(self, tenant: str | None = None) -> TenantScope:
        """As `write_scope`, for what always belongs to a tenant. Raises Forbidden, ValidationFailed."""
        scope = self.write_scope(tenant)
        if scope.tenant_id is None:
            raise ValidationFailed(
                "This belongs to a tenant.",
                errors=[FieldError("/tenantId", "name the tenant here, or in the X-Tenant-Id header")],
            )
        return scope

    def _scope(self, tenant: str | None) -> TenantScope:
        if tenant == PLATFORM:
            return TenantScope(None)
        return TenantScope(tenant, crossing=tenant is not None and tenant not in self.tenants)
