/** Sample providers: reserved fictional numbers, so that no real phone is ever texted. */
export const SAMPLE_PROVIDERS = [
  { id: 'provider60', name: 'Amy', phone: '+13055550160', email: 'amy@example.com', time_zone: 'America/New_York' },
  { id: 'provider61', name: 'Ben', phone: '+13055550161', email: 'ben@example.com', time_zone: 'America/New_York' },
  { id: 'provider62', name: 'Carla', phone: '+13055550162', email: 'carla@example.com', time_zone: 'America/Chicago' },
] as const

/** The sample lead, as POST /api/leads takes it. */
export const SAMPLE_LEAD = {
  city: 'Miami',
  service_type: '60 min Mobile Massage',
  preferred_time_window: 'Evening (6-9 PM)',
  budget_range: '$150-200',
  notes_snippet: 'Client prefers deep tissue massage',
  client_name: 'Sarah Johnson',
  client_phone: '+1234567890',
  client_email: 'sarah.johnson@email.com',
  exact_address: '123 Ocean Drive, Miami Beach, FL 33139',
  provider_ids: ['provider60', 'provider61'],
  config: { price_cents: 2000, currency: 'usd', ttl_hours: 24 },
} as const
