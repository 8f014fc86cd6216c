"""Tokens are edited and deleted by administrators; a seed that was planted once is not planted again."""

from alembic import op

revision = "0034"
down_revision = "0033"

UP = """
create table market.planted_seeds (
    coingecko_id text primary key
);
comment on table market.planted_seeds is
    'Seeded tokens that were planted once: what was deleted or renamed since does not come back';
insert into market.planted_seeds select coingecko_id from market.tokens where coingecko_id is not null;
revoke insert, update on market.planted_seeds from coinsphere_pipeline;
grant select on market.planted_seeds to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;

-- A log of what was asked of a provider outlives the token that it was asked for.
alter table market.ingestions drop constraint ingestions_token_id_fkey;
alter table market.ingestions add constraint ingestions_token_id_fkey
    foreign key (token_id) references market.tokens on delete set null;

-- The catalogue names whatever refers to tokens, later tables too. Candles have no foreign key, see 0004.
create function market.token_uses(wanted uuid) returns table (used_by text, rows bigint)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    referrer record;
begin
    for referrer in
        select c.conrelid::regclass::text as name, string_agg(format('%I = $1', a.attname), ' or ') as condition
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.contype = 'f' and c.confrelid = 'market.tokens'::regclass and c.confdeltype in ('a', 'r')
            and c.conparentid = 0
        group by c.conrelid
        union all
        select 'market.price_data', 'token_id = $1'
        order by name
    loop
        used_by := referrer.name;
        execute format('select count(*) from %s where %s', referrer.name, referrer.condition) into rows using wanted;
        if rows > 0 then
            return next;
        end if;
    end loop;
end $$;
comment on function market.token_uses is 'Tables whose rows refer to a token, but for what would go with it';

create function market.delete_token(wanted uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Whoever stores candles holds the token until the end of their transaction.
    perform from market.tokens where id = wanted for update;
    if not found or exists (select from market.token_uses(wanted)) then
        return false;
    end if;
    delete from market.tokens where id = wanted;
    return true;
end $$;
comment on function market.delete_token is 'Deletes a token that nothing refers to; its quote and metadata go with it';

revoke execute on function market.token_uses, market.delete_token from public;
grant execute on function market.token_uses, market.delete_token to coinsphere_api;
"""

DOWN = """
drop function market.delete_token, market.token_uses;
alter table market.ingestions drop constraint ingestions_token_id_fkey;
alter table market.ingestions add constraint ingestions_token_id_fkey foreign key (token_id) references market.tokens;
drop table market.planted_seeds;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
