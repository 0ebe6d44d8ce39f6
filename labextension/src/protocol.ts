export interface components {
  schemas: {
    Level: 'public' | 'internal' | 'confidential' | 'secret';
    Who: {
      name: string;
      clearance: components['schemas']['Level'];
      roles: ('member' | 'steward' | 'auditor' | 'admin')[];
      groups: string[];
      vault: string;
      deployment: 'embedded' | 'service';
      log_key: string;
      default_up_to: components['schemas']['Level'];
    };
    AssetSummary: {
      id: string;
      name: string;
      kind: 'frame' | 'model' | 'file';
      owner: string;
      title: string;
      up_to: components['schemas']['Level'];
      can: 'open' | 'update' | 'manage';
      mine: boolean;
      number: number;
      changed: string;
      until: string | null;
    };
  };
}
